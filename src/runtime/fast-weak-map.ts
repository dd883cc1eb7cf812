/** What is tied to an object: one link for each owner. */
interface Link {
  readonly owner: object;
  value: unknown;
  readonly next: Link | undefined;
}

/** A class whose instances are whatever object it is given: a subclass puts its private fields on that. */
// oxlint-disable-next-line typescript/no-extraneous-class -- its constructor is all there is to it
export class ReturnOverride {
  constructor(object: object) {
    return object;
  }
}

/** Puts links on objects of somebody else's, in a private field. */
class Stamp extends ReturnOverride {
  #links: Link | undefined;

  static put(object: object, links: Link): void {
    const stamped = #links in object ? object : new Stamp(object);
    stamped.#links = links;
  }

  static of(object: object): Link | undefined {
    return #links in object ? object.#links : undefined;
  }
}

/**
 * FastWeakMap values to objects of somebody else's, as a `WeakMap` would: nothing shows on the object, frozen
 * ones take it, too, and it goes when the object goes.
 *
 * It stands here in place of a `WeakMap` because an entry of one costs 2 us, most of it in the garbage
 * collector, and every request makes some; a private field costs a hundredth of that.
 */
export class FastWeakMap<Value extends object> {
  /** FastWeakMap a value to an object, in place of the one it had here. */
  set(object: object, value: Value): void {
    const link = this.#find(object);
    if (link === undefined) Stamp.put(object, { owner: this, value, next: Stamp.of(object) });
    else link.value = value;
  }

  /** The value tied to an object, or `undefined`. */
  get(object: object): Value | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `set` makes a link of this owner
    return this.#find(object)?.value as Value | undefined;
  }

  #find(object: object): Link | undefined {
    let link = Stamp.of(object);
    while (link !== undefined && link.owner !== this) link = link.next;
    return link;
  }
}
