// The floors (docs: CONTRIBUTING.md): imports go one way. The tables below are the whole of it; a broken rule's comment
// says what to do instead.

/** What each folder of src may import of ours, besides itself. A folder that is not named here may import nothing. */
const floors = {
  domain: { may: [], instead: 'domain is pure: pass in what it needs, or move the code up to the floor that has it' },
  ports: {
    may: ['domain'],
    instead: 'ports are types in words of the domain; the tool behind one belongs in adapters',
  },
  spec: { may: ['domain'], instead: 'spec is a pure function of an app configuration; pass in what it needs' },
  manager: {
    may: ['domain', 'ports', 'spec'],
    instead: 'manager knows ports only: add to the port what is missing, and let src/main.ts hand in the adapter',
  },
  server: {
    may: ['domain', 'ports', 'manager'],
    instead: 'server speaks to manager only: give manager a method for it',
  },
  client: { may: ['domain'], instead: 'the client is published by itself: move what both ends share to domain' },
  cli: { may: ['client', 'domain', 'doctor'], instead: 'the command line is a client like any other: ask the daemon' },
  page: { may: ['client', 'domain'], instead: 'the page is a client like any other: ask the daemon' },
  tour: { may: ['client', 'domain'], instead: 'the tour is a client like any other: ask the daemon' },
};

/** Adapter folders that are plumbing: every other adapter may use them, and they use none. */
const plumbing = ['process', 'files', 'wayland'];

/** What joins ports and adapters to a program; the only code outside src's folders. */
const composition = ['src/main.ts', 'src/config.ts', 'src/start/', 'src/doctor/'];

/** Paths as the beginnings that a rule's regular expressions want. */
const beginWith = (paths) => paths.map((path) => `^${path.replaceAll('.', '\\.')}`);

/** Who may touch which part of the outside world. Anything else gets the effect as an argument. */
const effects = [
  {
    name: 'child-processes',
    modules: ['child_process'],
    from: ['src/adapters/process/', 'src/adapters/conmon/', 'src/adapters/systemd/', 'src/tour/'],
    instead: 'take a RunTool (adapters/process) as an argument: it bounds time and output and never uses a shell',
  },
  {
    name: 'files',
    modules: ['fs', 'fs/promises'],
    from: ['src/adapters/', 'src/server/http', ...composition, 'src/client/unix.ts', 'src/cli/', 'src/tour/'],
    instead: 'files belong to an adapter: add what is missing to a port',
  },
  {
    name: 'network',
    modules: ['net', 'http', 'https', 'tls', 'dgram', 'http2'],
    from: ['src/adapters/', 'src/server/', 'src/client/', 'src/tour/'],
    instead: 'sockets belong to server/http, to the client and to adapters',
  },
];

const floorRules = Object.entries(floors).map(([floor, { may, instead }]) => ({
  name: `floor-${floor}`,
  comment: `src/${floor} may import ${may.length > 0 ? may.join(', ') : 'nothing of ours'}: ${instead}`,
  severity: 'error',
  from: { path: `^src/${floor}/` },
  to: { path: '^src/', pathNot: [floor, ...may].map((name) => `^src/${name}/`) },
}));

const adapterRules = [
  {
    name: 'adapters-stand-on-ports',
    comment: 'An adapter may import ports and domain: move what it needs there, or take it as an argument.',
    severity: 'error',
    from: { path: '^src/adapters/' },
    to: { path: '^src/', pathNot: '^src/(adapters|ports|domain)/' },
  },
  {
    name: 'adapters-stand-alone',
    comment: `An adapter imports no other adapter but ${plumbing.join(' and ')}: let src/main.ts join the two.`,
    severity: 'error',
    from: { path: '^src/adapters/([^/]+)/' },
    to: {
      path: '^src/adapters/[^/]+/',
      pathNot: ['^src/adapters/$1/', ...plumbing.map((name) => `^src/adapters/${name}/`)],
    },
  },
  {
    name: 'only-main-builds-adapters',
    comment: `Only ${composition.join(', ')} import adapters: take a port as an argument.`,
    severity: 'error',
    from: { path: '^src/', pathNot: ['^src/adapters/', ...beginWith(composition)] },
    to: { path: '^src/adapters/' },
  },
];

const effectRules = effects.map(({ name, modules, from, instead }) => ({
  name: `effects-${name}`,
  comment: `node:${modules[0]} only in ${from.join(', ')}: ${instead}`,
  severity: 'error',
  from: { path: '^src/', pathNot: beginWith(from) },
  to: { dependencyTypes: ['core'], path: `^(node:)?(${modules.join('|')})$` },
}));

const pageRules = [
  {
    name: 'page-by-the-public-client',
    comment: 'A page calls the daemon by src/client/browser.ts, as any page could: add to the client what is missing.',
    severity: 'error',
    from: { path: '^src/page/' },
    to: { path: '^src/client/', pathNot: '^src/client/browser\\.ts$' },
  },
  {
    name: 'page-for-browsers-only',
    comment: 'The pages are bundles of their own: move what both need to domain.',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/page/' },
    to: { path: '^src/page/' },
  },
];

const rootRule = {
  name: 'floors-have-names',
  comment: `Every file lies on a floor: but for ${composition.join(', ')} it goes in a folder of the table.`,
  severity: 'error',
  from: {},
  to: { path: '^src/', pathNot: [`^src/(adapters|${Object.keys(floors).join('|')})/`, ...beginWith(composition)] },
};

const soundness = [
  {
    name: 'no-cycles',
    comment: 'Two files that need each other are one thing, or lack a third: move the shared part down.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'resolvable',
    comment: 'The import leads nowhere: fix the path, or add the package with an exact version.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'declared-packages',
    comment: 'What src imports is installed with the package: move it from devDependencies to dependencies.',
    severity: 'error',
    // the pages are bundled with what they import
    from: { path: '^src/', pathNot: '^src/page/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
  },
];

module.exports = {
  forbidden: [...floorRules, ...adapterRules, ...effectRules, ...pageRules, rootRule, ...soundness],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
