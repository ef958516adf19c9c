/** A file of its own, so that only who reads YAML loads the parser; a bundler hands a CommonJS package on whole only this way. */
export { parse } from 'yaml';
