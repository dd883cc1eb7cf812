import type { Handlers, Track } from "./contender.ts";

/** The shop's handlers, which are the same for every library. Pages show their source. */
export function shopHandlers({ slowService }: Track): Handlers {
  return {
    login(req, res, next) {
      req.session.regenerate((error) => {
        if (error) return next(error);
        req.session.user = "ana";
        res.send("Hello, ana.");
      });
    },
    logout(req, res, next) {
      req.session.destroy((error) => {
        if (error) return next(error);
        res.clearCookie("sid");
        res.send("You are logged out.");
      });
    },
    async readNews(req, res) {
      const user = req.session.user;
      await slowService();
      res.send(`Today's news for ${user}.`);
    },
    async readArticle(req, res) {
      await slowService();
      req.session.lastRead = "umbrellas";
      res.send("All about umbrellas.");
    },
    async putInCart(req, res) {
      await slowService();
      req.session.cart = "umbrella";
      res.send("The umbrella is in your cart.");
    },
    chooseColour(req, res) {
      req.session.colour = "blue";
      res.send("Your colour is blue.");
    },
    async order(req, _res, next) {
      await slowService();
      req.session.regenerate((error) => {
        if (error) return next(error);
        req.session.user = "ana";
        req.session.save((failure) => {
          if (failure) return next(failure);
          req.session.order = "sent";
          next(new Error("The warehouse does not answer."));
        });
      });
    },
    look(req, res) {
      const { cookie: _cookie, ...data } = req.session;
      res.json(data);
    },
  };
}
