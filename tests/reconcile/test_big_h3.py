import os, resource, time
from tests.calcom_far.rows import FIRST_DAY
from tests.calcom_far.weeks import fill
from tests.calcom_far.server import FarCalcom
from datetime import timedelta
import pytest
def rss():
    return int(open("/proc/self/statm").read().split()[1])*4//1024
@pytest.fixture
async def far(world):
    with FarCalcom(world, check_every=10_000) as far:
        yield far
async def test_big(world, far, showup):
    N=int(os.environ.get("N","10000"))
    fill(world, bookings=N); world.advance(timedelta(hours=1))
    (account,) = await showup.reconciler.accounts()
    seen=[0]; t=time.time(); began=showup.clock()
    def told(n):
        seen[0]+=n
        if seen[0] % 2000 == 0: print(seen[0], "rss", rss(), "MB", round(time.time()-t,1), "s", "sim", showup.clock()-began, flush=True)
    print("start rss", rss())
    f = await showup.reconciler.backfill(account, FIRST_DAY, showup.clock(), told)
    print(f.looked_at, f.healed, "worst", far.worst_minute(), "sim", showup.clock()-began, "cpu", resource.getrusage(resource.RUSAGE_SELF).ru_utime)
