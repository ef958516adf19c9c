/** The Open Container Initiative's own word on what a config.json is (test/oci-schema/README.md). */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import draft04, { type SchemaObject } from 'ajv-draft-04';

const directory = join(import.meta.dirname, '..', 'oci-schema');
// Formats (uint32 and the like) are checked by minimum and maximum in the schemas themselves.
const ajv = new draft04.default({ strict: false, validateFormats: false, allErrors: true });

for (const name of readdirSync(directory).filter((file) => /^(config|defs)-?.*\.json$/.test(file))) {
  // The files write some references as `#definitions/…`, which is no JSON pointer.
  const text = readFileSync(join(directory, name), 'utf8').replaceAll('"#definitions/', '"#/definitions/');
  ajv.addSchema(JSON.parse(text) as SchemaObject, name);
}

/** What is wrong with it; empty when nothing is. */
export function ociSchemaErrors(config: object): readonly string[] {
  // As the runtime will read it: without members that are undefined.
  ajv.validate('config-schema.json', JSON.parse(JSON.stringify(config)));
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
}
