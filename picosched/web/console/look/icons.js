// The few icons of fields, calendars and notifications as outlines, instead of a font of thousands. It runs once Quasar is
// there, and before the page is drawn.
(() => {
  const CROSS = "M6 7.4 7.4 6 12 10.6 16.6 6 18 7.4 13.4 12 18 16.6 16.6 18 12 13.4 7.4 18 6 16.6 10.6 12z";
  const DOWN = "M7 10h10l-5 5z", LEFT = "M15 6v12l-6-6z", RIGHT = "M9 6l6 6-6 6z", TICK = "M5 12.4 6.4 11 10 14.6 17.6 7 19 8.4 10 17.4z";
  const MARK = "M12 3l10 18H2zm-1 6v6h2V9zm0 8v2h2v-2z";
  const icons = Quasar.IconSet.props;
  Quasar.IconSet.set({
    ...icons,
    type: { positive: TICK, negative: MARK, info: MARK, warning: MARK },
    arrow: { ...icons.arrow, dropdown: DOWN, left: LEFT, right: RIGHT },
    chip: { remove: CROSS, selected: TICK },
    datetime: { ...icons.datetime, arrowLeft: LEFT, arrowRight: RIGHT },
    field: { clear: CROSS, error: MARK },
  });
})();
