"""HTTP/1.1 as toxics see it: messages in a stream of bytes, to be changed on their way."""
