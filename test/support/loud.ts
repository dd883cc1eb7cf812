import type { HandleOptions } from "coatcheck";

/** For handlers that assert something: what they throw is not answered with a 500, which no test would notice. */
export const loud: HandleOptions = {
  onError: (error) => {
    throw error;
  },
};
