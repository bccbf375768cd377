// Names as they can be shown. A control character, half a pair, or a character that turns the order of letters round is
// replaced where it enters, so that no pane has to think of it. What is saved is the document as it was.

const UNSEEN = /[^\P{C}\n\t]|[\p{Zl}\p{Zp}]/gu;
function plain(text) {
  const value = JSON.parse(text);
  const odd = text.search(UNSEEN) >= 0 || /\\u(00[0189]|007f|d[89a-f])/i.test(text);   // as it is, or as an escape
  return odd ? cleaned(value) : value;
}
function cleaned(value) {
  if (typeof value === "string") return value.replace(UNSEEN, "\ufffd");
  if (Array.isArray(value)) return value.map(cleaned);
  return value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [cleaned(k), cleaned(v)])) : value;
}
