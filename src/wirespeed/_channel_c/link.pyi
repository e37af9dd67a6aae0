from wirespeed._channel.link import (
    Link as Link,
    LinkProtocol as LinkProtocol,
)
