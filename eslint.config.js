import { basename } from 'node:path';
import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { noDeafEmitter } from './scripts/lint/deaf-emitters.mjs';

// STYLE in rules. What can be seen by a machine is an error here, so that a review is about the rest.

/** `kebab-case`, one noun or one operation each; a name that says nothing collects everything. */
const fileName = {
  meta: { type: 'problem', schema: [], messages: { name: "'{{name}}': {{why}}" } },
  create: (context) => ({
    Program(node) {
      const name = basename(context.filename);
      if (/^(utils?|helpers?|common|misc)\b/.test(name)) {
        context.report({ node, messageId: 'name', data: { name, why: 'name the file after what it holds' } });
      } else if (!/^\.?[a-z0-9]+([.-][a-z0-9]+)*$/.test(name)) {
        context.report({ node, messageId: 'name', data: { name, why: 'file names are kebab-case' } });
      }
    },
  }),
};

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'No default export: a name is found by search and renamed by tools.',
};
const restrictedSyntax = [
  { selector: 'TSEnumDeclaration', message: 'No enum: use a union of strings.' },
  {
    selector:
      'ImportDeclaration[source.value="zod"][importKind="value"] > :matches(ImportSpecifier, ImportDefaultSpecifier)',
    message: "Write `import * as z from 'zod'`: any other form keeps all of zod and its 50 locales in the bundle.",
  },
  {
    selector: 'ImportDeclaration[source.value=/^(node:)?process$/] > ImportSpecifier[imported.name="env"]',
    message: 'No process.env here: only the entry points read the environment and pass on what is needed.',
  },
];

// The entry points: what they read from the environment they hand on as arguments.
const entryPoints = ['src/main.ts', 'src/cli/main.ts', 'src/tour/main.ts'];
/** Programs of a person at a terminal, and pages: what goes wrong in them ends them, with words. */
const programs = ['src/cli/**', 'src/tour/**', 'src/page/**', 'src/client/**'];
const tests = ['test/**/*.ts', 'bench/**/*.ts'];
const plainScripts = ['scripts/**/*.mjs', 'examples/**/*.mjs', 'test/apps/programs/*.mjs', '*.js', '*.cjs'];

export default tseslint.config(
  { ignores: ['dist/', 'dist.*/', 'node_modules/', '.tools*/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    plugins: { ours: { rules: { 'file-name': fileName, 'no-deaf-emitter': noDeafEmitter } } },
    rules: {
      'ours/file-name': 'error',
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', { max: 60, skipComments: true }],
      'max-depth': ['error', 3],
      'max-params': ['error', 3],
      'no-console': 'off',
      'no-restricted-syntax': ['error', ...restrictedSyntax, noDefaultExport],
      eqeqeq: ['error', 'always'],
      'object-shorthand': 'error',
      'prefer-const': 'error',
      curly: ['error', 'multi-line'],
    },
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      // node:test's functions return a promise that nobody needs to wait for at the top of a file.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'describe', 'it', 'suite', 'before', 'after'] },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // An async function without await still turns what it throws into a rejection, which is what a port promises.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: entryPoints,
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Only the entry points read the environment and pass on what is needed.',
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: programs,
    rules: {
      // Decision 0155: in the daemon every emitter has a listener for its errors, and every promise somebody who hears it fail.
      'ours/no-deaf-emitter': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
    },
  },
  {
    files: tests,
    rules: {
      'max-lines-per-function': 'off',
      // Assertions narrow more than the types do, and a test may build a wrong value on purpose.
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  {
    files: plainScripts,
    languageOptions: {
      globals: Object.fromEntries(
        [
          'AbortController',
          'AbortSignal',
          'URL',
          'clearTimeout',
          'console',
          'performance',
          'process',
          'setImmediate',
          'setTimeout',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['*.js', '*.cjs', 'scripts/test/reporter.mjs'],
    rules: { 'no-restricted-syntax': ['error', ...restrictedSyntax] }, // who loads them asks for a default export
  },
  {
    files: ['*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { module: 'writable' } },
  },
);
