// CodeMirror with what the ruleset editor uses, in place of NiceGUI's module, which has its 140 languages and 30 themes.
// KRL is coloured by the server, so there is no language, and with it no folding, completion and indentation by syntax.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";

// All that NiceGUI's element asks of the module.

export { indentWithTab } from "@codemirror/commands";
export { indentUnit } from "@codemirror/language";
export { Compartment, Prec, RangeSet, RangeValue, StateEffect, StateField } from "@codemirror/state";
export {
  Decoration,
  EditorView,
  highlightWhitespace,
  hoverTooltip,
  keymap,
  runScopeHandlers,
  ViewPlugin,
  WidgetType,
} from "@codemirror/view";

export const basicSetup = [
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightSpecialChars(),
  history(),
  drawSelection(),
  dropCursor(),
  EditorState.allowMultipleSelections.of(true),
  bracketMatching(),
  closeBrackets(),
  rectangularSelection(),
  crosshairCursor(),
  highlightActiveLine(),
  highlightSelectionMatches(),
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap]),
];

export const languages = [];

// The console's styles have the colours; a theme only says whether it is dark.
const light = EditorView.theme({});
export const oneDark = EditorView.theme({}, { dark: true });
export const themes = { basicLight: light, xcodeLight: light, xcodeDark: oneDark };
