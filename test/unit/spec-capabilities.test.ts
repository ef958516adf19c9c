import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../src/domain/errors.ts';
import { readCapabilities } from '../../src/spec/capabilities.ts';

const refused = (text: string, words: RegExp): void => {
  assert.throws(
    () => readCapabilities(text),
    (error) => error instanceof RuntimeError && error.code === 'INVALID_ARGUMENT' && words.test(error.message),
    text,
  );
};

test('names are a list with commas; case and blanks do not matter, and unknown ones are named', () => {
  const { has, unknown } = readCapabilities('WAN-Lan, mapi,,what-is-this');
  assert.deepEqual([has('wan-lan'), has('mapi'), has('rialto')], [true, true, false]);
  assert.deepEqual(unknown, ['what-is-this']);
  assert.equal(readCapabilities('').has('mapi'), false);
});

test('a value begins at the first = and keeps the others', () => {
  assert.equal(readCapabilities('dial-app=a=b=c').valueOf('dial-app'), 'a=b=c');
  assert.equal(readCapabilities('dial-app').valueOf('dial-app'), '');
  assert.equal(readCapabilities('mapi').valueOf('dial-app'), undefined);
});

test('each of the two passes takes one level of backslashes', () => {
  assert.equal(readCapabilities(String.raw`dial-app=a\,b,mapi`).valueOf('dial-app'), 'a,b');
  assert.equal(readCapabilities(String.raw`dial-app=a\\\\b`).valueOf('dial-app'), String.raw`a\b`);
  assert.equal(readCapabilities(String.raw`dial-app=a\\b`).valueOf('dial-app'), 'ab');
  refused('mapi\\', /backslash/);
  refused(String.raw`dial-app=a\\`, /backslash/);
});

test('extra mounts may come several times, and a third pass reads them', () => {
  const text = String.raw`extramounts=/a:/b,extramounts=/c\\\\:d:/e`;
  assert.deepEqual(readCapabilities(text).extraMounts, [
    { source: '/a', destination: '/b' },
    { source: '/c:d', destination: '/e' },
  ]);
  for (const value of ['', '/a', '/a:b', 'a:/b', '/a:/b:/c', '/a/../b:/c', '/a:/../c']) {
    refused(`extramounts=${value}`, /the capability extramounts cannot be/);
  }
});

test('overlays are JSON objects, additionalconfig before spec', () => {
  const { overlays } = readCapabilities(String.raw`spec={"a":[1\,2]},additionalconfig={"b":"\\\\n"}`);
  assert.deepEqual(overlays, [
    { name: 'additionalconfig', content: { b: '\n' } },
    { name: 'spec', content: { a: [1, 2] } },
  ]);
  refused('additionalconfig={', /is no JSON/);
  refused('spec=[]', /is no JSON object/);
  refused('spec', /is no JSON/);
});

test('a value where none is needed changes nothing', () => {
  assert.ok(readCapabilities('wan-lan=yes').has('wan-lan'));
});
