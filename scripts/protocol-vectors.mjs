/**
 * Writes what is made of docs/PROTOCOL.md: the hex of its examples, by protobufjs from proto/push.proto and zlib, so that
 * they owe nothing to the codec that is tested with them; and the table of codes.
 *
 *     npm run build && node scripts/protocol-vectors.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import protobuf from 'protobufjs';
import { CODES } from '../dist/wire/index.js';

const PATH = new URL('../docs/PROTOCOL.md', import.meta.url);
const root = new protobuf.Root().loadSync('proto/push.proto', { keepCase: true });
const Frame = root.lookupType('pushd.v1.Frame');

const uint32 = (value) => value.toString(16).padStart(8, '0');
const toBytes = (name, value) => (name === 'data' || name === 'id' ? Buffer.from(value).toString('base64') : value);

/** `C hello {…}`, perhaps with an old line of hex behind it, and a fresh one. */
function withHex(example) {
  const text = example.replace(/\n[0-9a-f ]+$/, '');
  const [, frame, fields] = /^[CS] (\w+) (\{.*\})$/s.exec(text) ?? [];
  if (fields === undefined) throw new Error(`not an example: ${example}`);
  const payload = Frame.encode(Frame.fromObject({ [frame]: JSON.parse(fields, toBytes) })).finish();
  return `${text}\n${uint32(payload.length)} ${Buffer.from(payload).toString('hex')} ${uint32(crc32(payload))}`;
}

const codeRows = Object.entries(CODES).map(
  ([name, { code, retry, scope, meaning }]) =>
    `| ${code} | ${name} | ${retry ? 'yes' : 'no'} | ${scope} | ${meaning} |\n`,
);

const text = readFileSync(PATH, 'utf8')
  .replace(
    /```frame\n(.*?)\n```/gs,
    (_, examples) => `\`\`\`frame\n${examples.split('\n\n').map(withHex).join('\n\n')}\n\`\`\``,
  )
  .replace(/(<!-- codes: begin -->\n.*\n.*\n)[^<]*/, (_, head) => head + codeRows.join(''));
writeFileSync(PATH, text);
