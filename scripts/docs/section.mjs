/** Puts `content` between the markers of a section: what stands between them is made by a program. */
export const withSection = (text, name, content) => {
  const begin = `<!-- ${name}: begin (generated) -->\n`;
  const end = `<!-- ${name}: end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the markers of the section "${name}" are not there`);
  return `${text.slice(0, from + begin.length)}${content}\n${text.slice(to)}`;
};
