import os
import signal
import threading

import pytest

from fastnst.system.interrupts import Interrupts


def test_the_first_ctrl_c_is_a_wish_the_second_an_interrupt(capsys):
    before = signal.getsignal(signal.SIGINT)
    with Interrupts("this file") as interrupts:
        assert not interrupts.asked
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.asked
        assert "Stopping after this file (again to stop at once)" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_it_leaves_ctrl_c_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with Interrupts("this file"):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
