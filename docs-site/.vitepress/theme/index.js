import { h } from "vue";
import DefaultTheme from "vitepress/theme-without-fonts";
import "./style.css";

/** VitePress would take a link to / for one of its own pages; the target says that it is not. */
const toTheSite = () => h("a", { class: "to-the-site", href: "/", target: "_self" }, "Live site");

export default {
  extends: DefaultTheme,
  enhanceApp({ siteData }) {
    // Guides answer questions; decisions and reference are for those who name them.
    siteData.value.themeConfig.search.options.miniSearch.searchOptions.boostDocument = (id) =>
      /\/(?:decisions|reference)\//.test(id) ? 0.4 : 1;
  },
  Layout: () =>
    h(DefaultTheme.Layout, null, {
      "nav-bar-content-after": toTheSite,
      "nav-screen-content-after": toTheSite,
    }),
};
