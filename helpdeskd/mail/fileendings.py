"""Endings of file names: what starts a program where it is opened, what carries macros, what is a page, what looks like a document."""

from __future__ import annotations

from helpdeskd.model.files import Danger

# What Windows, macOS, Linux desktops and Java start, install, mount or run when it is opened.
_EXECUTABLE = """
ade adp apk app appimage application appref-ms appx appxbundle bas bat cmd chm com command cpl crx csh deb desktop diagcab dll dmg ex_
exe fxp gadget hlp hta htc img inf ins iso isp jar jnlp job js jse jsp ksh library-ms lnk mde mjs msc msh msi msix msixbundle msp mst
msu nsh ocx one onepkg pcd pif pkg pl ps1 ps1xml ps2 psc1 psd1 psm1 py pyc pyw pyz rb reg rpm run scf scpt scr sct search-ms
searchconnector-ms settingcontent-ms sh shb shs snap sys terminal udf udl url vb vbe vbs vcd vhd vhdx vmdk vsix vxd webloc website
workflow wsc wsf wsh xap xbap xll xpi zsh
"""
_MACROS = "docm dotm iqy potm ppam ppsm pptm sldm slk xla xlam xlm xlsm xltm"
_PAGES = "htm html mht mhtml shtm shtml svg svgz swf xht xhtml xsl xslt"
# What people take for a document or a picture, where it stands before the ending that counts.
_DOCUMENTS = """
7z avi bmp csv doc docx eml gif gz heic htm html jpeg jpg mov mp3 mp4 msg odp ods odt pdf png ppt pptx rar rtf svg tif tiff txt wav webp
xls xlsx xml zip
"""

EXECUTABLE = frozenset(_EXECUTABLE.split())
MACROS = frozenset(_MACROS.split())
PAGES = frozenset(_PAGES.split())
DOCUMENTS = frozenset(_DOCUMENTS.split())
IN_ARCHIVES = {**dict.fromkeys(EXECUTABLE, Danger.EXECUTABLE), **dict.fromkeys(MACROS, Danger.MACROS)}
