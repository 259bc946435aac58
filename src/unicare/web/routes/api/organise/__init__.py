"""What organisers look at and do; nobody else may."""

from unicare.web.routes.api.organise.parts import router

__all__ = ["router"]
