"""A shop as a program: for each line that it reads it sells one item, in a thread of its own."""

import sys
import threading


class Shop:
    """Two customers at the same time may see the same stock."""

    stock = 10

    def sell(self) -> None:
        left = self.stock
        # failpoint: shop.between
        self.stock = left - 1


class LockingShop(Shop):
    """One customer after the other."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def sell(self) -> None:
        with self.lock:
            super().sell()


def main(kind: str) -> None:
    shop: Shop = {"Shop": Shop, "LockingShop": LockingShop}[kind]()
    sales = []
    print("open", flush=True)
    for _ in sys.stdin:
        sales.append(threading.Thread(target=shop.sell))
        sales[-1].start()
    for each in sales:
        each.join()
    print(shop.stock)


if __name__ == "__main__":
    main(*sys.argv[1:])
