# Validates events, one a line, by a JSON Schema, whose file is the argument; says which is not valid, and why.

import json
import sys

import jsonschema

with open(sys.argv[1]) as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
# The schema itself refuses something.
assert not validator.is_valid({'v': 1, 'event': 'created', 'lsn': '0/1', 'at': '2027-01-01T00:00:00.000000Z'})
for line in sys.stdin:
    try:
        validator.validate(json.loads(line))
    except jsonschema.ValidationError as error:
        sys.exit('%s\n%s' % (line, error.message))
