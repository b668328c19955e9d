-- What a database with pgvector and PostGIS sends, without having them: base types of their names
-- whose values are the texts that those print. Statements are parted by blank lines.

CREATE FUNCTION public.vector_in(cstring) RETURNS public.vector AS 'textin' LANGUAGE internal STRICT

CREATE FUNCTION public.vector_out(public.vector) RETURNS cstring AS 'textout' LANGUAGE internal STRICT

CREATE TYPE public.vector (INPUT = public.vector_in, OUTPUT = public.vector_out, INTERNALLENGTH = VARIABLE,
    STORAGE = EXTERNAL)

CREATE FUNCTION public.halfvec_in(cstring) RETURNS public.halfvec AS 'textin' LANGUAGE internal STRICT

CREATE FUNCTION public.halfvec_out(public.halfvec) RETURNS cstring AS 'textout' LANGUAGE internal STRICT

CREATE TYPE public.halfvec (INPUT = public.halfvec_in, OUTPUT = public.halfvec_out, INTERNALLENGTH = VARIABLE,
    STORAGE = EXTERNAL)

CREATE FUNCTION public.sparsevec_in(cstring) RETURNS public.sparsevec AS 'textin' LANGUAGE internal STRICT

CREATE FUNCTION public.sparsevec_out(public.sparsevec) RETURNS cstring AS 'textout' LANGUAGE internal STRICT

CREATE TYPE public.sparsevec (INPUT = public.sparsevec_in, OUTPUT = public.sparsevec_out, INTERNALLENGTH = VARIABLE,
    STORAGE = EXTERNAL)

CREATE FUNCTION public.geometry_in(cstring) RETURNS public.geometry AS 'textin' LANGUAGE internal STRICT

CREATE FUNCTION public.geometry_out(public.geometry) RETURNS cstring AS 'textout' LANGUAGE internal STRICT

CREATE TYPE public.geometry (INPUT = public.geometry_in, OUTPUT = public.geometry_out, INTERNALLENGTH = VARIABLE,
    DELIMITER = ':', STORAGE = EXTERNAL)

CREATE FUNCTION public.geography_in(cstring) RETURNS public.geography AS 'textin' LANGUAGE internal STRICT

CREATE FUNCTION public.geography_out(public.geography) RETURNS cstring AS 'textout' LANGUAGE internal STRICT

CREATE TYPE public.geography (INPUT = public.geography_in, OUTPUT = public.geography_out, INTERNALLENGTH = VARIABLE,
    DELIMITER = ':', STORAGE = EXTERNAL)

CREATE DOMAIN types.place AS geometry

CREATE TABLE types.extensions (id int PRIMARY KEY, v vector, h halfvec, s sparsevec, g geometry,
    gg geography, ga geometry[], gga geography[], d types.place, n int)

CREATE TABLE types.extensions_full (id int PRIMARY KEY, v vector NOT NULL, h halfvec NOT NULL,
    s sparsevec NOT NULL, g geometry NOT NULL, gg geography NOT NULL)

ALTER TABLE types.extensions_full REPLICA IDENTITY FULL

-- quiesce
INSERT INTO types.extensions VALUES (1, '[1,2.5,-3e10]', '[1,2.5,-0.1]', '{1:1.5,3:-2}/5',
    '0101000020E6100000000000000000F03F000000000000F0BF',
    '0101000020E6100000000000000000F03F000000000000F0BF',
    ARRAY['0101000020E6100000000000000000F03F000000000000F0BF', NULL, '010700000000000000']::geometry[],
    ARRAY['010700000000000000']::geography[], '00000000013FF0000000000000BFF0000000000000', 1)

INSERT INTO types.extensions (id, v, h, s, g) VALUES (2, '[0.1,1e-07,3.4028235e+38]', '[65504]',
    '{}/32767', '010700000000000000')

INSERT INTO types.extensions VALUES (3, ('[1' || repeat(',1.5', 2000) || ']')::vector,
    ('[1' || repeat(',1.5', 2000) || ']')::halfvec,
    ('{1:1' || (SELECT string_agg(',' || g || ':2', '' ORDER BY g) FROM generate_series(2, 900) g)
        || '}/3000')::sparsevec,
    ('0102000000' || repeat('00', 3000))::geometry, ('0102000000' || repeat('00', 3000))::geography)

UPDATE types.extensions SET n = 2

UPDATE types.extensions SET id = 4 WHERE id = 1

DELETE FROM types.extensions

INSERT INTO types.extensions_full VALUES (1, '[0]', '[0]', '{2:1}/3',
    '0101000020110F0000000000000000F03F000000000000F03F', '010700000000000000')

UPDATE types.extensions_full SET v = '[2]'

DELETE FROM types.extensions_full
