// Runs a schematron file over many documents.
//
//   node validate.mjs RULES.sch [--flags=fatal,warning] [--workers=N] < names
//
// Standard input is one file name per line. Standard output is JSON lines: for each failed assert
// {"file","assertId","flag","text"}, then for each file {"file","asserts"}, the number of asserts that were evaluated: a file
// without failures passed only if that is not zero. Only asserts with one of the flags are evaluated (default: fatal).
// The exit code is 0 when all files were judged, whatever the judgement.

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Rules } from './rules.mjs';

// option is the value of --name=value, or a default.
function option(name, otherwise) {
  const given = process.argv.find((a) => a.startsWith(`--${name}=`));
  return given ? given.slice(name.length + 3) : otherwise;
}

// serve judges files as they are asked for.
function serve({ path, flags }) {
  const rules = new Rules(path, flags);
  parentPort.on('message', (file) => {
    if (file === null) return parentPort.close();
    const { failed, asserts } = rules.check(readFileSync(file, 'utf8'));
    parentPort.postMessage([...failed.map((f) => ({ file, ...f })), { file, asserts }]);
  });
  parentPort.postMessage([]);
}

// judge hands files to workers, one at a time, so that a large file delays nobody else.
function judge(path, flags, count, files) {
  const queue = [...files];
  for (let i = 0; i < Math.min(count, files.length); i++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { path, flags } });
    worker.on('message', (lines) => {
      for (const line of lines) process.stdout.write(JSON.stringify(line) + '\n');
      worker.postMessage(queue.length ? queue.shift() : null);
    });
    worker.on('error', (err) => {
      process.stderr.write(`${err.stack}\n`);
      process.exitCode = 1;
    });
  }
}

if (isMainThread) {
  const path = process.argv[2];
  if (!path || path.startsWith('--')) {
    process.stderr.write('usage: node validate.mjs RULES.sch [--flags=fatal,warning] [--workers=N] < names\n');
    process.exit(2);
  }
  const files = readFileSync(0, 'utf8').split('\n').filter((name) => name !== '');
  judge(path, option('flags', 'fatal').split(','), Number(option('workers', cpus().length)), files);
} else {
  serve(workerData);
}
