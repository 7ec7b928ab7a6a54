"""What is served: stock views and serializers, with the related resources of each below it."""

from blog.models import ArtProject, Author, Comment, Post, Project, ResearchProject
from django.urls import include, path
from rest_framework import routers
from rest_framework_json_api import serializers
from rest_framework_json_api.relations import PolymorphicResourceRelatedField, ResourceRelatedField
from rest_framework_json_api.views import ReadOnlyModelViewSet


class ArtProjectSerializer(serializers.ModelSerializer):
    class Meta:
        model = ArtProject
        fields = ("id", "topic", "artist")


class ResearchProjectSerializer(serializers.ModelSerializer):
    class Meta:
        model = ResearchProject
        fields = ("id", "topic", "supervisor")


class ProjectSerializer(serializers.PolymorphicModelSerializer):
    polymorphic_serializers = (ArtProjectSerializer, ResearchProjectSerializer)

    class Meta:
        model = Project
        fields = (
            "id",
            "topic",
        )


class AuthorSerializer(serializers.ModelSerializer):
    current_project = PolymorphicResourceRelatedField(
        ProjectSerializer, queryset=Project.objects, related_link_view_name="author-related"
    )

    included_serializers = {"current_project": ProjectSerializer}
    related_serializers = {"current_project": ProjectSerializer}

    class Meta:
        model = Author
        fields = ("id", "name", "current_project")


class CommentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Comment
        fields = (
            "id",
            "body",
        )


class PostSerializer(serializers.ModelSerializer):
    author = ResourceRelatedField(queryset=Author.objects, related_link_view_name="post-related")
    comments = ResourceRelatedField(queryset=Comment.objects, many=True, related_link_view_name="post-related")

    included_serializers = {"author": AuthorSerializer, "comments": CommentSerializer}
    related_serializers = {"author": AuthorSerializer, "comments": CommentSerializer}

    class Meta:
        model = Post
        fields = ("id", "title", "word_count", "author", "comments")


class Posts(ReadOnlyModelViewSet):
    queryset = Post.objects.order_by("id")
    serializer_class = PostSerializer
    filterset_fields = {"id": ("exact", "in", "gt"), "title": ("exact",), "word_count": ("exact", "in", "lt", "gt")}


class Authors(ReadOnlyModelViewSet):
    queryset = Author.objects.order_by("id")
    serializer_class = AuthorSerializer
    filterset_fields = {"id": ("exact", "in", "gt")}


class Comments(ReadOnlyModelViewSet):
    queryset = Comment.objects.order_by("id")
    serializer_class = CommentSerializer
    filterset_fields = {"id": ("exact", "in", "gt")}


class Projects(ReadOnlyModelViewSet):
    queryset = Project.objects.order_by("id")
    serializer_class = ProjectSerializer


router = routers.DefaultRouter()
router.register("posts", Posts)
router.register("authors", Authors)
router.register("comments", Comments)
router.register("projects", Projects)

urlpatterns = [
    path("", include(router.urls)),
    path("posts/<pk>/<related_field>/", Posts.as_view({"get": "retrieve_related"}), name="post-related"),
    path("authors/<pk>/<related_field>/", Authors.as_view({"get": "retrieve_related"}), name="author-related"),
]
