// Quasar with the components that the console's pages are made of, in place of NiceGUI's file, which has all of them.
// A component that is missing here is drawn as an unknown element, `<q-…>`: the console's tests look for them.

import installQuasar from "quasar/src/install-quasar.js";
import QBtnToggle from "quasar/src/components/btn-toggle/QBtnToggle.js";
import QCard from "quasar/src/components/card/QCard.js";
import QCheckbox from "quasar/src/components/checkbox/QCheckbox.js";
import QDate from "quasar/src/components/date/QDate.js";
import QDialog from "quasar/src/components/dialog/QDialog.js";
import QInput from "quasar/src/components/input/QInput.js";
import QLayout from "quasar/src/components/layout/QLayout.js";
import QMenu from "quasar/src/components/menu/QMenu.js";
import QPage from "quasar/src/components/page/QPage.js";
import QPageContainer from "quasar/src/components/page/QPageContainer.js";
import QSelect from "quasar/src/components/select/QSelect.js";
import Dark from "quasar/src/plugins/dark/Dark.js";
import IconSet from "quasar/src/plugins/icon-set/IconSet.js";
import Lang from "quasar/src/plugins/lang/Lang.js";
import Notify from "quasar/src/plugins/notify/Notify.js";

const components = { QBtnToggle, QCard, QCheckbox, QDate, QDialog, QInput, QLayout, QMenu, QPage, QPageContainer, QSelect };

window.Quasar = {
  version: __QUASAR_VERSION__,
  install: (app, options) => installQuasar(app, { components, plugins: { Notify }, ...options }),
  lang: Lang, // NiceGUI asks for it by both names
  ...components,
  Dark,
  IconSet,
  Lang,
  Notify,
};
