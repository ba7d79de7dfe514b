import os
import signal
import threading

import pytest

from fastnst.system.interrupts import Interrupts, exit_cleanly_on_sigterm


def test_the_first_ctrl_c_is_a_wish_the_second_an_interrupt(capsys):
    before = signal.getsignal(signal.SIGINT)
    with Interrupts("this file") as interrupts:
        assert not interrupts.requested
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.requested
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


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows ends a process without a word")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_sigterm_cleans_up_the_second_is_the_system_s(number, status):
    before = signal.signal(number, signal.SIG_DFL)
    try:
        exit_cleanly_on_sigterm()
        with pytest.raises(SystemExit) as stop:
            os.kill(os.getpid(), number)
        assert stop.value.code == status
        assert signal.getsignal(number) is signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN)  # As nohup does.
        exit_cleanly_on_sigterm()
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
