"""Three phones in two conversations, and the moves that most promises need."""

from chatserver.relay.mailbox import Key
from chatserver.wire import limits
from chatserver.wire.frames import Fates, FatesTold, Told
from tests.fakes import people
from tests.fakes.house import House
from tests.fakes.people import ANN, BEN, CLEO, PAIR
from tests.fakes.phone import Phone


class Scene(House):
    """Ann's, Ben's and Cleo's first devices are here; the second ones of Ann and Ben are away."""

    def __init__(self) -> None:
        super().__init__()
        self.ann, self.ben, self.cleo = (self.phones[people.device(one)] for one in (ANN, BEN, CLEO))
        self.tablet = self.phones[people.device(BEN, 1)]
        self.others = self.phones[people.device(ANN, 1)]
        self.join(self.ann, self.ben, self.cleo)

    def join(self, *phones: Phone) -> None:
        for phone in phones:
            phone.connect(self.node)
        self.run()

    def send(self, scope: bytes = PAIR) -> Key:
        """Ann sends, and everything runs."""
        key = self.ann.send(scope)
        self.run()
        return key

    def ack(self, phone: Phone) -> None:
        """Open and acknowledge what came."""
        self.run()
        phone.open(1_000)
        phone.ack(phone.unacked.copy())
        phone.unacked.clear()
        self.run()

    def wait(self, seconds: float) -> None:
        self.node.timers.advance(seconds)
        self.run()

    def ask(self, n: int) -> Told:
        """What `fates` says of a send of Ann's."""
        self.ann.put(Fates((n,)))
        self.run()
        answer = next(frame for frame in reversed(self.ann.heard) if isinstance(frame, FatesTold))
        return answer.fates[0]

    def held(self, n: int) -> int:
        return self.shelf.accepted[self.ann.device, n % limits.SEND_WINDOW].held
