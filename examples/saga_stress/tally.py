"""What is counted while the workflows run."""

from collections import Counter, OrderedDict
from collections.abc import Iterable

from chaos_sqlsaga import SagaEvent, What

REMEMBERED = 10_000


class Tally:
    """Counts events of sagas, and takes their times. Its memory does not grow with the run."""

    def __init__(self) -> None:
        self.what = Counter[str]()
        self.ended = Counter[str]()
        self.deepest = 0
        self._times = {"step": (0, 0.0), "saga": (0, 0.0)}
        self._since: OrderedDict[tuple[str, str | None], float] = OrderedDict()
        self._depths = Counter[str]()

    def add(self, events: Iterable[SagaEvent]) -> None:
        for event in events:
            self._add(event)

    def mean_ms(self, of: str) -> float:
        count, total_s = self._times[of]
        return total_s / count * 1e3 if count else 0.0

    @property
    def sagas(self) -> int:
        return self.what["began"]

    @property
    def completed(self) -> int:
        return self.ended["completed"]

    @property
    def failed(self) -> int:
        return self.ended.total() - self.completed

    @property
    def success_rate(self) -> float:
        return self.completed / self.ended.total() if self.ended else 0.0

    def _add(self, event: SagaEvent) -> None:
        called = event.step is None or event.attempt > 0  # forks, joins and savepoints call nothing
        self.what[event.what] += called
        match event.what:
            case What.BEGAN | What.STARTED:
                self._since[event.saga, event.step] = event.at_s
                if len(self._since) > REMEMBERED:
                    self._since.popitem(last=False)
            case What.DONE | What.FAILED:
                self._took("step", event)
            case What.ENDED:
                self.ended[event.detail["state"]] += 1
                self._took("saga", event)
                self._depths.pop(event.saga, None)
            case What.COMPENSATING if event.attempt == 1:
                self._depths[event.saga] += 1
                self.deepest = max(self.deepest, self._depths[event.saga])

    def _took(self, of: str, event: SagaEvent) -> None:
        began_s = self._since.pop((event.saga, event.step), None)
        if began_s is not None:
            count, total_s = self._times[of]
            self._times[of] = count + 1, total_s + max(0.0, event.at_s - began_s)
