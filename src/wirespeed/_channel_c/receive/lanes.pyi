from wirespeed._channel.receive.lanes import (
    Entry as Entry,
    Lane as Lane,
    LaneBounds as LaneBounds,
    LaneInbox as LaneInbox,
    LaneReceive as LaneReceive,
)
