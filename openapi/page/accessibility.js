// Mends what axe-core finds in the markup of Scalar 1.76 and no setting changes. `test/local/openapi/accessibility.test.ts` tells when
// a new version needs more, or less.

/** Each row: the elements with a fault, and the attributes that they need. Undefined removes one. */
const mends = [
  // ARIA 1.2: a combobox says whether its list is open.
  ["[role=combobox]:not([aria-expanded])", { "aria-expanded": "false" }],
  // The editor of a body has no name.
  [".cm-content[contenteditable=true]:not([aria-label])", { "aria-label": "Body of the request" }],
  [".cm-content:not([aria-label])", { "aria-label": "Body of the response" }],
  // role="none" hides a button that has a name.
  ["button[role=none]", { role: undefined }],
  // It names an element that does not exist.
  ["[aria-label='Copy code'][aria-controls]", { "aria-controls": undefined }],
  // What scrolls must be reachable by keyboard.
  ["code.custom-scroll:not([tabindex])", { tabindex: "0" }],
  [".cm-scroller[tabindex='-1']:has(> [contenteditable=false])", { tabindex: "0" }],
];

/** Mends `root` now, and what is added to it later. */
export function mendAccessibility(root) {
  const mend = () => {
    for (const [selector, attributes] of mends)
      for (const element of root.querySelectorAll(selector))
        for (const [name, value] of Object.entries(attributes))
          if (value === undefined) element.removeAttribute(name);
          else element.setAttribute(name, value);
  };
  new MutationObserver(mend).observe(root, { childList: true, subtree: true });
  mend();
}
