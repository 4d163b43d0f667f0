/**
 * What is made of docs/PROTOCOL.md: the hex of its examples, by protobufjs from proto/push.proto and zlib, so that they
 * owe nothing to the codec that is tested with them; and the table of codes.
 */
import { crc32 } from 'node:zlib';
import protobuf from 'protobufjs';
import { CODES } from '../../dist/wire/index.js';
import { withSection } from './section.mjs';

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

const codesTable = () => {
  const rows = Object.entries(CODES).map(
    ([name, { code, retry, scope, meaning }]) =>
      `| ${code} | ${name} | ${retry ? 'yes' : 'no'} | ${scope} | ${meaning} |`,
  );
  return ['| code | name | retry | scope | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
};

/** The document with the hex of every example, and the table of codes, made anew. */
export const protocolDocument = (text) =>
  withSection(text, 'codes', codesTable()).replace(
    /```frame\n(.*?)\n```/gs,
    (_, examples) => `\`\`\`frame\n${examples.split('\n\n').map(withHex).join('\n\n')}\n\`\`\``,
  );
