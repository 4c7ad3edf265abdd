/** A place in a ring. */
export interface Seat {
  /** Leaves it; twice is fine. */
  leave(): void;
}

class Place<T> implements Seat {
  readonly item: T;
  before: Place<T> = this;
  behind: Place<T> = this;

  constructor(item: T) {
    this.item = item;
  }

  leave(): void {
    this.before.behind = this.behind;
    this.behind.before = this.before;
    this.before = this;
    this.behind = this;
  }
}

/**
 * Items in the order they came, each of which may leave at any time. As a set would do, without
 * hashing what is in it for a fraction of a millisecond only.
 */
export class Ring<T> {
  readonly #end = new Place<T | undefined>(undefined);

  add(item: T): Seat {
    const place: Place<T | undefined> = new Place<T | undefined>(item);
    const end = this.#end;
    place.before = end.before;
    place.behind = end;
    end.before.behind = place;
    end.before = place;
    return place;
  }

  /** Takes all out. */
  empty(): T[] {
    const items: T[] = [];
    for (let place = this.#end.behind; place !== this.#end; place = this.#end.behind) {
      items.push(place.item as T);
      place.leave();
    }
    return items;
  }
}
