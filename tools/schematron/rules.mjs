// A schematron file made ready to run over many documents.
//
// node-schematron reads the file; what is run here is its model (patterns, rules, asserts), in another order than the
// library does: the library evaluates every rule's context from every node of a document, which takes seconds for an
// invoice of ten lines. Here a context is matched from the candidate node upwards. A context that this cannot express is
// evaluated as the library does. The outcome is the same (compare.mjs proves it), but for one thing: xs:decimal is a binary
// number in fontoxpath, so that 50.80 + 11.56 + 48.57 = 110.93 is false. Here the result of sum() is rounded to six
// decimals, which makes it equal to the decimal it stands for.

import { readFileSync } from 'node:fs';
import fontoxpath from 'fontoxpath';
import schematron from 'node-schematron';
import { parseXmlDocument } from 'slimdom';

const { evaluateXPath, evaluateXPathToBoolean, evaluateXPathToNodes } = fontoxpath;
const namespace = 'http://purl.oclc.org/dsdl/schematron';

// flagsByAssert reads each assert's flag, which node-schematron's model does not keep.
function flagsByAssert(xml) {
  const flags = new Map();
  for (const e of parseXmlDocument(xml).getElementsByTagNameNS(namespace, 'assert')) {
    flags.set(e.getAttribute('id') + '\n' + e.getAttribute('test'), e.getAttribute('flag') || 'fatal');
  }
  return flags;
}

// splitTop splits an expression at a separator that stands outside brackets and quotes.
function splitTop(text, separator) {
  const parts = [''];
  let depth = 0;
  let quote = '';
  for (const c of text) {
    if (quote) {
      if (c === quote) quote = '';
    } else if (c === '"' || c === "'") {
      quote = c;
    } else if (c === '[' || c === '(') {
      depth++;
    } else if (c === ']' || c === ')') {
      depth--;
    } else if (c === separator && depth === 0) {
      parts.push('');
      continue;
    }
    parts[parts.length - 1] += c;
  }
  return parts;
}

// exactSums wraps every call of sum() so that its result is rounded to six decimals.
function exactSums(test) {
  let out = '';
  for (let i = 0; i < test.length; ) {
    const call = /^sum\(/.exec(test.slice(i));
    if (!call || /[\w:-]/.test(test[i - 1] ?? ' ')) {
      out += test[i++];
      continue;
    }
    let depth = 1;
    let end = i + 4;
    for (; depth > 0; end++) {
      if (test[end] === '(') depth++;
      if (test[end] === ')') depth--;
    }
    out += `(round(sum(${exactSums(test.slice(i + 4, end - 1))}) * 1000000) div 1000000)`;
    i = end;
  }
  return out;
}

// named replaces "//cac:Name" by a variable with all elements of that name, which is filled in once per document: most of
// the rules' time goes into looking for the same few names again and again. It returns the expression and the names.
function named(test) {
  const names = new Set();
  const text = test.replace(/(^|[(,=\s])\/\/(ca|cb)c:([A-Za-z]+)(?![A-Za-z]*\()/g, (_, before, prefix, local) => {
    names.add(`${prefix}c:${local}`);
    return `${before}$all-${prefix}c-${local}?*`;
  });
  return { text, names: [...names] };
}

// parseStep reads "cac:Party[predicate]..." or "*[...]"; null for anything else.
function parseStep(text) {
  const m = /^\s*([A-Za-z]+:[A-Za-z]+|\*)\s*((?:\[[\s\S]*\])?)\s*$/.exec(text);
  return m && { name: m[1], predicate: m[2] };
}

// parseBranch reads one path of a context: absolute ("/a/b"), anywhere ("//a/b" or "a/b"); null when it is more than that.
function parseBranch(text) {
  let path = text.trim();
  let absolute = false;
  if (path.startsWith('//')) {
    path = path.slice(2);
  } else if (path.startsWith('/')) {
    absolute = true;
    path = path.slice(1);
  }
  const steps = splitTop(path, '/').map(parseStep);
  return steps.includes(null) ? null : { absolute, steps: steps.reverse() };
}

// parseContext reads a rule's context; null when it must be left to the library's way.
function parseContext(text) {
  const branches = splitTop(text, '|').map(parseBranch);
  return branches.includes(null) ? null : branches;
}

export class Rules {
  constructor(path, wanted) {
    const xml = readFileSync(path, 'utf8');
    const flags = flagsByAssert(xml);
    const schema = schematron.Schema.fromString(xml);
    this.options = { namespaceResolver: (prefix) => (prefix ? schema.getNamespaceUriForPrefix(prefix) : null) };
    this.schema = schema;
    this.variables = schema.variables;
    this.patterns = schema.patterns.map((pattern) => ({
      variables: pattern.variables,
      rules: pattern.rules.map((rule) => ({
        context: rule.context,
        branches: parseContext(rule.context),
        variables: rule.variables,
        asserts: rule.asserts
          .map((a) => ({ rule: a, test: named(exactSums(a.test)), flag: flags.get(a.id + '\n' + a.test) ?? 'fatal' }))
          .filter((a) => wanted.includes(a.flag)),
      })),
    }));
  }

  // reduce adds variables to those in scope.
  reduce(variables, node, scope) {
    const all = { ...scope };
    for (const v of variables) {
      all[v.name] = v.value ? evaluateXPath(v.value, node, null, all, undefined, this.options) : node;
    }
    return all;
  }

  // check runs all rules over one document: the failed asserts, and how many were evaluated.
  check(xml) {
    const dom = parseXmlDocument(xml);
    const elements = [];
    const walk = (node) => {
      if (node.nodeType === 1) elements.push(node);
      for (const child of node.childNodes) walk(child);
    };
    walk(dom);
    const byName = new Map([['*', elements]]);
    for (const e of elements) {
      const name = e.namespaceURI + ' ' + e.localName;
      if (!byName.has(name)) byName.set(name, []);
      byName.get(name).push(e);
    }
    const run = { dom, byName, failed: [], asserts: 0 };
    const scope = this.reduce(this.variables, dom, {});
    for (const pattern of this.patterns) this.checkPattern(pattern, run, this.reduce(pattern.variables, dom, scope));
    return { failed: run.failed, asserts: run.asserts };
  }

  // checkPattern: in one pattern a node is checked by the first rule whose context it matches.
  checkPattern(pattern, run, scope) {
    const taken = new Set();
    for (const rule of pattern.rules) {
      for (const node of this.matching(rule, run, scope)) {
        if (taken.has(node)) continue;
        taken.add(node);
        const variables = rule.variables.length ? this.reduce(rule.variables, node, scope) : scope;
        for (const { rule: a, test, flag } of rule.asserts) {
          run.asserts++;
          if (evaluateXPathToBoolean(test.text, node, null, this.all(test.names, run, variables), this.options) !== a.isReport) continue;
          run.failed.push({ assertId: a.id, flag, text: a.createMessageString(node, variables, this.options, a.message).replace(/\s+/g, ' ').trim() });
        }
      }
    }
  }

  // all adds the variables that named() made.
  all(names, run, scope) {
    if (names.length === 0) return scope;
    const variables = { ...scope };
    for (const name of names) variables['all-' + name.replace(':', '-')] = run.byName.get(this.key(name)) ?? [];
    return variables;
  }

  // matching lists the elements that a rule's context selects.
  matching(rule, run, scope) {
    if (!rule.branches) return evaluateXPathToNodes('//(' + rule.context + ')', run.dom, null, scope, this.options);
    const found = new Set();
    for (const branch of rule.branches) {
      for (const node of run.byName.get(this.key(branch.steps[0].name)) ?? []) {
        if (this.matches(branch, node, run, scope)) found.add(node);
      }
    }
    return found;
  }

  matches(branch, node, run, scope) {
    let at = node;
    for (const step of branch.steps) {
      if (at === null || at.nodeType !== 1) return false;
      if (step.name !== '*' && this.key(step.name) !== at.namespaceURI + ' ' + at.localName) return false;
      if (step.predicate && !evaluateXPathToBoolean('self::node()' + step.predicate, at, null, scope, this.options)) return false;
      at = at.parentNode;
    }
    return !branch.absolute || at === run.dom;
  }

  key(name) {
    if (name === '*') return '*';
    const [prefix, local] = name.split(':');
    return this.schema.getNamespaceUriForPrefix(prefix) + ' ' + local;
  }
}
