"""A run behind HTTP: batches of entries in, scores out, with limits on what a stranger may ask for.

| file | holds |
|---|---|
| `settings` | address, token, limits, and the socket: checked before torch is imported |
| `description` | what the run scores, as a client is told |
| `batches` | entries of a request, and the scores made of them |
| `joining` | small requests that wait, scored in one pass |
| `json_bodies`, `arrow_bodies` | the two forms of a request and of its answer |
| `guards` | the token, sizes of bodies, requests at a time |
| `docs_page` | `/docs`, one page without a network |
| `application` | the routes |
| `running` | the server, from its first connection to its last |
"""
