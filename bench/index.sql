-- A market of 200,000 homes with coordinates and calendars, as daysets and as datemultiranges;
-- 20,000 more to be added.

\ir calendars.sql
SELECT setseed(0.43) \g /dev/null
CREATE TABLE homes AS
SELECT listing_id AS id, point(random(), random()) AS place, booked FROM calendars WHERE listing_id < 200000 ORDER BY hashint8(listing_id);
CREATE TABLE homes_ranges AS SELECT h.id, h.place, r.ranges FROM homes h JOIN calendar_ranges r ON r.listing_id = h.id ORDER BY h.ctid;
CREATE TABLE more AS
SELECT listing_id AS id, point(random(), random()) AS place, c.booked, r.ranges FROM calendars c JOIN calendar_ranges r USING (listing_id)
WHERE listing_id >= 900000 AND listing_id < 920000;
DROP TABLE calendars, calendar_ranges;
VACUUM (FREEZE, ANALYZE) homes, homes_ranges, more;
