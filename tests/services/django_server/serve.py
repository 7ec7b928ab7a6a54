"""Make the tables, fill them, and serve on a free port, whose URL is the first line of the output."""

import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


def fill():
    from blog.models import ArtProject, Author, Comment, Post, ResearchProject  # noqa: PLC0415 - after setup

    projects = [
        ArtProject.objects.create(topic="Colour", artist="Goethe"),
        ResearchProject.objects.create(topic="Light", supervisor="Newton"),
    ]
    authors = [Author.objects.create(name=f"Author {n}", current_project=projects[n % 2]) for n in (1, 2, 3)]
    for n in range(1, 26):
        post = Post.objects.create(title=f"Post {n}", word_count=100 * n, author=authors[n % 3])
        for m in (1, 2):
            Comment.objects.create(body=f"Comment {m} on {n}", post=post)
    for m in range(3, 13):
        Comment.objects.create(body=f"Comment {m} on 1", post_id=1)


os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
fill()
server = Server(("127.0.0.1", 0), Quiet)
server.set_app(get_wsgi_application())
sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
sys.stdout.flush()
server.serve_forever()
