import type { NextConfig } from "next";

const config: NextConfig = {
  // One copy of the package for all bundles, loaded by Node itself.
  serverExternalPackages: ["coatcheck"],
  // Not the repository that this example lies in.
  turbopack: { root: import.meta.dirname },
  outputFileTracingRoot: import.meta.dirname,
};

export default config;
