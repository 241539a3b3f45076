// Proves that rules.mjs judges as node-schematron itself does, for the files that are named:
//
//   node compare.mjs RULES.sch FILE...
//
// The exit code is 1 when the two differ. It takes seconds per file: that is why rules.mjs exists.

import { readFileSync } from 'node:fs';
import schematron from 'node-schematron';
import { Rules } from './rules.mjs';

const [path, ...files] = process.argv.slice(2);
const library = schematron.Schema.fromString(readFileSync(path, 'utf8'));
const ours = new Rules(path, ['fatal', 'warning']);
for (const file of files) {
  const xml = readFileSync(file, 'utf8');
  const want = library.validateString(xml).map((r) => r.assertId).sort().join(' ');
  const got = ours.check(xml).failed.map((f) => f.assertId).sort().join(' ');
  if (want !== got) {
    process.stdout.write(`${file}: node-schematron says "${want}", rules.mjs says "${got}"\n`);
    process.exitCode = 1;
  }
}
