// Small steps on the document. Everything that came from outside goes in as text, never as HTML, and
// nothing is touched that has not changed: two hundred cameras tell the page something five times a second.

export const $ = (id) => document.getElementById(id);

/** Sets an element's text if it differs. */
export function text(el, value) {
  const s = String(value ?? '');
  if (el.textContent !== s) el.textContent = s;
}

/** Sets or removes an attribute if it differs; null and false remove it. */
export function attr(el, name, value) {
  if (value === null || value === undefined || value === false) {
    if (el.hasAttribute(name)) el.removeAttribute(name);
  } else if (el.getAttribute(name) !== String(value)) el.setAttribute(name, value);
}

export function show(el, visible) {
  if (el.hidden === visible) el.hidden = !visible;
}

/** Makes an element; strings among the children become text. */
export function h(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else attr(el, name, value === true ? '' : value);
  }
  el.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, attributes = {}, ...children) {
  const el = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) attr(el, name, value);
  el.append(...children);
  return el;
}

/** One of the symbols of index.html. */
export function icon(name) {
  return svg('svg', { class: 'icon', 'aria-hidden': 'true' }, svg('use', { href: `#i-${name}` }));
}

export function setIcon(el, name) {
  attr(el.querySelector('use'), 'href', `#i-${name}`);
}

/** Keeps the children of a parent in step with a list: one per key, made once, updated each time. */
export function keyed(parent, items, keyOf, make, update) {
  const known = parent.known ?? (parent.known = new Map());
  const seen = new Set();
  let before = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    if (seen.has(key)) continue;
    seen.add(key);
    let el = known.get(key);
    if (!el) known.set(key, (el = make(item)));
    update?.(el, item);
    if (el === before) before = before.nextElementSibling;
    else parent.insertBefore(el, before);
  }
  for (const [key, el] of known) {
    if (!seen.has(key)) {
      el.remove();
      known.delete(key);
    }
  }
}

/** Fills a <dl> with rows of [term, value, kind, drawn]; kind colours a value and stands before it as a sign;
 *  drawn: a picture shows it too. */
export function facts(dl, rows) {
  keyed(dl, rows.filter((r) => r[1] !== null && r[1] !== undefined && r[1] !== ''), (r) => r[0],
    (r) => h('div', {}, h('dt', {}, r[0]), h('dd')),
    (el, [, value, kind, drawn]) => {
      text(el.lastChild, value);
      attr(el, 'data-kind', kind);
      attr(el, 'data-drawn', drawn);
    });
}

/** A row of buttons of which one is pressed. options: [value, label]. */
export function segments(parent, options, chosen, choose) {
  const buttons = options.map(([value, label]) => {
    const b = h('button', { type: 'button', 'aria-pressed': String(value === chosen) }, label);
    b.addEventListener('click', () => {
      for (const other of buttons) attr(other, 'aria-pressed', String(other === b));
      choose(value);
    });
    return b;
  });
  parent.replaceChildren(...buttons);
  return buttons;
}
