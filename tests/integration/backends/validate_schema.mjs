// Reads {"schema", "documents": {name: value}} and prints {name: true, or what is wrong first}.
import Ajv from "ajv/dist/2020.js";

let text = "";
for await (const part of process.stdin) text += part;
const { schema, documents } = JSON.parse(text);
const ajv = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allErrors: false });
const validate = ajv.compile(schema);
const verdicts = {};
for (const [name, value] of Object.entries(documents))
  verdicts[name] = validate(value) || `${validate.errors[0].instancePath} ${validate.errors[0].message}`;
console.log(JSON.stringify(verdicts));
