"""A bank that books in two steps: is any money lost when something goes wrong between them?"""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from chaoscore import Injector, Scenario, maybe_delay, maybe_error, maybe_panic, record_error
from chaoscore.injectors import delay, error, panic

MONEY = 1000


class Bank:
    """Takes from one account, gives to another, and undoes the first if the second fails."""

    name = "bank"

    def setup(self) -> None:
        self.accounts = {"alice": MONEY, "bob": 0}
        self.lock = Lock()
        self.tellers = ThreadPoolExecutor(4)

    def transfers(self) -> None:
        """Two tellers work at the same time; the run's context follows them into their threads."""
        there = self.tellers.submit(self.transfer, "alice", "bob", 10)
        back = self.tellers.submit(self.transfer, "bob", "alice", 5)
        for each in (there, back):
            each.result()

    def transfer(self, source: str, target: str, amount: int) -> None:
        with self.lock:
            self.accounts[source] -= amount
            self.book(source, target, amount)

    def book(self, source: str, target: str, amount: int) -> None:
        try:
            self.between()
            self.accounts[target] += amount
        except Exception as failed:  # noqa: BLE001 - the bug: not everything that is raised is an Exception
            self.accounts[source] += amount
            record_error(failed)

    def between(self) -> None:
        """Three points. Outside a run each costs about as much as an empty call."""
        maybe_delay("bank.between")
        maybe_error("bank.between")
        maybe_panic("bank.between")

    def money_lost(self) -> str | None:
        """What must not be, in a sentence."""
        left = sum(self.accounts.values())
        return None if left == MONEY else f"{MONEY - left} of {MONEY} are lost"

    def teardown(self) -> None:
        self.tellers.shutdown()


class CarefulBank(Bank):
    """Undoes the first step whatever comes up, and lets it go on."""

    name = "careful bank"

    def book(self, source: str, target: str, amount: int) -> None:
        booked = False
        try:
            self.between()
            self.accounts[target] += amount
            booked = True
        except Exception as failed:  # noqa: BLE001 - an error is handled, a panic is let through
            record_error(failed)
        finally:
            if not booked:
                self.accounts[source] += amount


def banking(bank: Bank) -> Scenario:
    faults: dict[str, Injector] = {
        "slow": delay("100us", "1ms", probability=0.3),
        "fails": error(ConnectionError, ["no reply"], probability=0.1),
        "dies": panic(0.02),
    }
    return (
        Scenario(bank.name)
        .target(bank)
        .step("transfers", Bank.transfers)
        .scope("bank", faults)
        .expect("no-money-is-lost", Bank.money_lost)
        .thresholds(min_success_rate="80%")
        .repeat(100)
    )


scenario = banking(Bank())
careful = banking(CarefulBank())
