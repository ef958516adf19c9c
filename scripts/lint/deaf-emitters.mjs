/**
 * An `error` event without a listener ends a Node process. So an emitter gets a listener that stays, in the same turn in which it is
 * made: `once('error')` hears one error of several, `events.once` takes its own listener away again, and `removeAllListeners` takes
 * those of others.
 */

/** @typedef {import('eslint').Rule.Node & Record<string, any>} Node */

/** Functions of Node's that make an emitter, by the module they are imported from. */
const MAKERS = {
  'node:child_process': ['spawn', 'fork', 'exec', 'execFile'],
  'node:net': ['connect', 'createConnection', 'createServer'],
  'node:tls': ['connect', 'createServer'],
  'node:http': ['createServer', 'request', 'get'],
  'node:https': ['createServer', 'request', 'get'],
  'node:fs': ['watch', 'createReadStream', 'createWriteStream'],
  'dbus-native': ['createConnection'],
};
const CLASSES = new Set(['WebSocket', 'WebSocketServer', 'Socket', 'Server', 'Worker', 'EventEmitter']);
const FORGETTING = new Set(['once', 'off', 'removeListener']);

/** @param {Node} node */
const isError = (node) => node?.type === 'Literal' && node.value === 'error';

/**
 * The functions around it, the nearest first, and the file.
 * @param {Node} node
 */
function* scopesOf(node) {
  for (let around = node.parent; around !== null; around = around.parent) {
    if (/Function|Program/.test(around.type)) yield around;
  }
}

/**
 * What methods are called on, one after the other: `socket` of `socket.on(…).on(…)`.
 * @param {Node} node
 * @returns {Node}
 */
function receiverOf(node) {
  let found = node.callee.object;
  while (found.type === 'CallExpression' && found.callee.type === 'MemberExpression') found = found.callee.object;
  return found;
}

/**
 * Where a made one is kept: a variable, a member, or itself when methods are called on it at once.
 * @param {Node} node
 * @returns {Node}
 */
function keeperOf(node) {
  const { type, id, left } = /** @type {Record<string, any>} */ (node.parent);
  if (type === 'VariableDeclarator') return id;
  return type === 'AssignmentExpression' ? left : node;
}

export const noDeafEmitter = {
  meta: {
    type: /** @type {const} */ ('problem'),
    schema: [],
    messages: {
      forgets: "Use on('error'): an emitter tells of more than one error, and one that nobody hears ends the daemon.",
      strips: 'Take away your own listeners only: without one for errors the next error ends the daemon.',
      deaf: "Give it a listener with on('error') in the function that makes it: an error that nobody hears ends the daemon.",
    },
  },
  /** @param {import('eslint').Rule.RuleContext} context */
  create(context) {
    const { sourceCode } = context;
    /** @type {Set<string>} */
    const makers = new Set();
    /** @type {Node[]} */
    const made = [];
    /** @type {Map<Node, Set<string>>} */
    const listening = new Map();
    /** @param {Node} node */
    const isDeaf = (node) => {
      const kept = sourceCode.getText(keeperOf(node));
      const [scope] = scopesOf(node);
      return scope === undefined || listening.get(scope)?.has(kept) !== true;
    };
    return {
      /** @param {Node} node */
      ImportDeclaration(node) {
        const names = MAKERS[/** @type {keyof typeof MAKERS} */ (node.source.value)] ?? [];
        for (const { imported, local } of node.specifiers) if (names.includes(imported?.name)) makers.add(local.name);
      },
      /** @param {Node} node */
      NewExpression(node) {
        if (CLASSES.has(node.callee.name)) made.push(node);
      },
      /** @param {Node} node */
      CallExpression(node) {
        const { callee, arguments: given } = node;
        const method = callee.type === 'MemberExpression' ? callee.property.name : undefined;
        if (callee.type === 'Identifier' && makers.has(callee.name)) made.push(node);
        if (callee.name === 'once' && isError(given[1])) context.report({ node, messageId: 'forgets' });
        if (FORGETTING.has(method) && isError(given[0])) context.report({ node, messageId: 'forgets' });
        if (method === 'removeAllListeners') context.report({ node, messageId: 'strips' });
        if (method !== 'on' || !isError(given[0])) return;
        const heard = sourceCode.getText(receiverOf(node));
        for (const scope of scopesOf(node)) listening.set(scope, (listening.get(scope) ?? new Set()).add(heard));
      },
      'Program:exit'() {
        for (const node of made) if (isDeaf(node)) context.report({ node, messageId: 'deaf' });
      },
    };
  },
};
