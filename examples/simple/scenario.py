"""A shop whose payment service loses replies: is every order paid for once?"""

from collections import Counter
from itertools import count

from chaoscore import Scenario, maybe_delay, maybe_error, record_error
from chaoscore.injectors import delay, error
from chaoscore.validators import max_errors, no_slow_iteration

ATTEMPTS = 3


class Shop:
    """Takes orders, and tries again when the payment service does not reply."""

    name = "shop"

    def setup(self) -> None:
        self.orders = count(1)
        self.charges: list[int] = []

    def buy(self) -> None:
        order = next(self.orders)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.pay(order)
                return
            except ConnectionResetError as lost:
                record_error(lost)
                if attempt == ATTEMPTS:
                    raise

    def pay(self, order: int) -> None:
        """The payment service: it works, but the caller may never hear of it."""
        maybe_delay("payment.request")
        self.charge(order)
        maybe_error("payment.reply")

    def charge(self, order: int) -> None:
        self.charges.append(order)

    def paid_twice(self) -> list[str]:
        """What must not be, in sentences."""
        charged = Counter(self.charges).items()
        return [f"order {order} was charged {times} times" for order, times in charged if times > 1]


class CarefulShop(Shop):
    """Sends the number of the order along, so that the payment service can tell that it has seen it."""

    name = "careful shop"

    def charge(self, order: int) -> None:
        if order not in self.charges:
            self.charges.append(order)


def buying(shop: Shop) -> Scenario:
    return (
        Scenario(shop.name)
        .target(shop)
        .step("buy", Shop.buy)
        .inject("slow", delay("1ms", "5ms", probability=0.2), scope="payment")
        .inject("lost", error(ConnectionResetError, ["no reply"], probability=0.1), scope="payment")
        .expect("paid-once", Shop.paid_twice)
        .expect("in-time", no_slow_iteration("1s"))
        .expect("no-real-errors", max_errors(0))
        .repeat(200)
    )


scenario = buying(Shop())
careful = buying(CarefulShop())
