from wirespeed._channel.waiter import Awaitable as Awaitable, Waiter as Waiter
