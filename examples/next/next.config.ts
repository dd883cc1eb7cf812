import type { NextConfig } from "next";

const config: NextConfig = {
  // Node loads one copy of the package for all bundles.
  serverExternalPackages: ["coatcheck"],
  // This folder, not the repository that contains it.
  turbopack: { root: import.meta.dirname },
  outputFileTracingRoot: import.meta.dirname,
};

export default config;
