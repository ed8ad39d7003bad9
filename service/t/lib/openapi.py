# Reads answers of the service as a JSON array on standard input; says which are not as the OpenAPI file describes them, and
# which of those that it describes are not among them.
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
answers = json.load(sys.stdin)


def resolve(node):
    while "$ref" in node:
        target = document
        for part in node["$ref"].lstrip("#/").split("/"):
            target = target[part]
        node = target
    return node


problems = []
described = set()
for path, operations in document["paths"].items():
    for method, operation in operations.items():
        for status in operation["responses"]:
            described.add((method, path, status))
        for parameter in operation.get("parameters", []):
            resolved = resolve(parameter)
            if resolved["in"] == "path" and "{" + resolved["name"] + "}" not in path:
                problems.append(f"{method} {path}: no parameter {resolved['name']} in the path")
        names = [resolve(p)["name"] for p in operation.get("parameters", [])]
        if len(names) != len(set(names)):
            problems.append(f"{method} {path}: a parameter stands twice")

schemas = {}
for name, schema in document["components"]["schemas"].items():
    jsonschema.Draft202012Validator.check_schema(schema)
resolver = jsonschema.RefResolver(base_uri="", referrer=document)

seen = set()
for answer in answers:
    key = (answer["method"], answer["path"], answer["status"])
    where = " ".join(key)
    if key not in described:
        problems.append(f"{where}: not described: {answer['body'][:200]}")
        continue
    seen.add(key)
    response = resolve(document["paths"][key[1]][key[0]]["responses"][key[2]])
    content = response.get("content")
    if content is None:
        if answer["body"]:
            problems.append(f"{where}: has a body")
        continue
    if answer["type"] not in content:
        problems.append(f"{where}: is {answer['type']}")
        continue
    if "json" not in answer["type"]:
        continue
    body = json.loads(answer["body"])
    validator = jsonschema.Draft202012Validator(content[answer["type"]]["schema"], resolver=resolver)
    for error in validator.iter_errors(body):
        problems.append(f"{where}: {'/'.join(map(str, error.path))}: {error.message[:200]}")
    if "problem" in answer["type"] and str(body.get("status")) != answer["status"]:
        problems.append(f"{where}: the document says {body.get('status')}")

print(json.dumps({"problems": problems, "missing": sorted(" ".join(key) for key in described - seen)}))
