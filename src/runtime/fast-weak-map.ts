/** A map's entry for an object. The entries of all maps for one object form a linked list. */
interface Entry {
  readonly owner: object;
  value: unknown;
  readonly next: Entry | undefined;
}

/** Returns its argument from the constructor, so that subclasses can add private fields to it. */
// oxlint-disable-next-line typescript/no-extraneous-class -- the constructor is its purpose
export class ReturnOverride {
  constructor(object: object) {
    return object;
  }
}

/** Stores a list of entries in a private field of any object. */
class Stamp extends ReturnOverride {
  #entries: Entry | undefined;

  static put(object: object, entries: Entry): void {
    const stamped = #entries in object ? object : new Stamp(object);
    stamped.#entries = entries;
  }

  static of(object: object): Entry | undefined {
    return #entries in object ? object.#entries : undefined;
  }
}

/**
 * Maps any object to a value, as a `WeakMap` does: the entry is not visible on the object, works for frozen
 * objects too, and is collected with the object.
 *
 * Each entry of a `WeakMap` costs 2 us, most of it in the garbage collector, and every request needs some.
 * A private field costs a hundredth of that.
 */
export class FastWeakMap<Value extends object> {
  set(object: object, value: Value): void {
    const entry = this.#find(object);
    if (entry === undefined) Stamp.put(object, { owner: this, value, next: Stamp.of(object) });
    else entry.value = value;
  }

  get(object: object): Value | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `set` creates entries with this owner
    return this.#find(object)?.value as Value | undefined;
  }

  #find(object: object): Entry | undefined {
    let entry = Stamp.of(object);
    while (entry !== undefined && entry.owner !== this) entry = entry.next;
    return entry;
  }
}
