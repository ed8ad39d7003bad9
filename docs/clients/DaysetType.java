import java.io.Serializable;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.Objects;
import org.hibernate.engine.spi.SharedSessionContractImplementor;
import org.hibernate.usertype.UserType;
import org.roaringbitmap.RoaringBitmap;

/**
 * Hibernate 6: a property of the type RoaringBitmap in a column of the type dayset.
 *
 * <pre>
 * &#64;Type(DaysetType.class) &#64;Column(columnDefinition = "availability.dayset") RoaringBitmap booked;
 * </pre>
 */
public final class DaysetType implements UserType<RoaringBitmap> {
    @Override
    public int getSqlType() {
        return Types.OTHER;
    }

    @Override
    public Class<RoaringBitmap> returnedClass() {
        return RoaringBitmap.class;
    }

    @Override
    public boolean equals(RoaringBitmap one, RoaringBitmap other) {
        return Objects.equals(one, other);
    }

    @Override
    public int hashCode(RoaringBitmap days) {
        return Objects.hashCode(days);
    }

    @Override
    public RoaringBitmap nullSafeGet(ResultSet row, int column, SharedSessionContractImplementor session, Object owner)
        throws SQLException {
        String text = row.getString(column);
        return text == null ? null : Dayset.fromText(text);
    }

    @Override
    public void nullSafeSet(PreparedStatement statement, RoaringBitmap days, int parameter,
                            SharedSessionContractImplementor session) throws SQLException {
        statement.setObject(parameter, days == null ? null : Dayset.toText(days), Types.OTHER);
    }

    @Override
    public RoaringBitmap deepCopy(RoaringBitmap days) {
        return days == null ? null : days.clone();
    }

    @Override
    public boolean isMutable() {
        return true;
    }

    @Override
    public Serializable disassemble(RoaringBitmap days) {
        return days == null ? null : Dayset.toText(days);
    }

    @Override
    public RoaringBitmap assemble(Serializable cached, Object owner) {
        return cached == null ? null : Dayset.fromText((String)cached);
    }
}
