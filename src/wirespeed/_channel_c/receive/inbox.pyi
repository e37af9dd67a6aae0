from wirespeed._channel.receive.inbox import Inbox as Inbox, Receive as Receive
