from wirespeed._channel.channel import Channel as Channel
