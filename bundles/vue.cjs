// Vue as the page has it already.
module.exports = globalThis.Vue;
