"""What file managers load: emblems, a column and a menu for the drives of this program.

It runs in the file manager's process, on the system's Python: the standard library and PyGObject
are all that it imports. So it is copied as it is (`syncin-mount desktop install`, packages), and
its modules import each other relatively. It never waits: sockets do not block, and a drive that
does not answer keeps nobody up.

`drives`, `http`, `book`, `menu` and `words` are pure. `connection` and `watch` do the input and
output in GLib's main loop, and `extension` is what the file managers call.
"""
