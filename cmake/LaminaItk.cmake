# ITK, only the modules that are used: target lamina_itk.
set(_level ${CMAKE_MESSAGE_LOG_LEVEL})
set(CMAKE_MESSAGE_LOG_LEVEL WARNING)  # GDCM's package file lists programs that Debian keeps in another package
find_package(ITK 5.2 REQUIRED COMPONENTS
  ITKCommon ITKIOImageBase ITKIONIFTI ITKIONRRD ITKIOMeta ITKIOPNG ITKIOJPEG ITKIOTIFF ITKIOGDCM ITKImageGrid ITKImageFunction)
set(CMAKE_MESSAGE_LOG_LEVEL ${_level})
add_library(lamina_itk INTERFACE)
# By hand instead of UseITK: that adds every factory to every target of the folder.
target_include_directories(lamina_itk SYSTEM INTERFACE ${ITK_INCLUDE_DIRS})
target_link_libraries(lamina_itk INTERFACE ${ITK_LIBRARIES})
