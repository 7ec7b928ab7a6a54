"""Posts with an author and comments, and projects of two kinds."""

from django.db import models
from polymorphic.models import PolymorphicModel


class Project(PolymorphicModel):
    topic = models.CharField(max_length=30)


class ArtProject(Project):
    artist = models.CharField(max_length=30)


class ResearchProject(Project):
    supervisor = models.CharField(max_length=30)


class Author(models.Model):
    name = models.CharField(max_length=30)
    current_project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE)


class Post(models.Model):
    title = models.CharField(max_length=30)
    word_count = models.IntegerField()
    author = models.ForeignKey(Author, on_delete=models.CASCADE)


class Comment(models.Model):
    body = models.CharField(max_length=30)
    post = models.ForeignKey(Post, related_name="comments", on_delete=models.CASCADE)
