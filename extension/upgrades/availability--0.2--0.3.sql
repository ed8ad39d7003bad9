-- availability: from 0.2 to 0.3, run by ALTER EXTENSION availability UPDATE
\echo Use "ALTER EXTENSION availability UPDATE" to load this file. \quit
